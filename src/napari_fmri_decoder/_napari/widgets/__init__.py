"""The four docks, in the order of use: Prepare, Labels, Train, Look inside."""
