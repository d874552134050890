"""What the Start page shows: samples with all settings, the steps of the work, and the tour."""
