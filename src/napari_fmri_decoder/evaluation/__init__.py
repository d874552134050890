"""What a score is worth: scores, baselines, the permutation null, pictures and the report."""
