"""What a scan is and where it lies: numpy, scipy and nibabel only."""
