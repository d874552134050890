"""Thresholds of the tests of maps: fixed before any real data were looked at, the same for every method.

Why these numbers:

- The floor of randomization is the similarity of two random networks' maps. A map of the trained network that
  is more similar to random networks than these usually are to each other (95th percentile) does not show
  what was learned.
- A map that never depends on the network has a floor of 1, and would pass. So the similarity must also be at
  most 0.5, where a quarter of the variance of the ranks is shared.
- Only the network with all layers random decides. Networks with some random layers share the others with the
  trained one, so that their maps may rightly be similar; they are listed.
- Faithfulness compares with shifted copies of the map, which are as smooth as the map. One p value for
  insertion and deletion and both replacements together, so that there is one test.
- Stability, and the accuracy that removing voxels costs, are judged by the lower bound of a bootstrap
  interval: above 0.
- Infidelity and sensitivity have no accepted threshold, and a map may rightly differ from a GLM: these are
  printed and never decide.
"""

from __future__ import annotations

ALPHA = 0.05
"""Level of the test of faithfulness."""
FLOOR_PERCENTILE = 95.0
"""Percentile of the similarity of two random networks' maps."""
MOST_ALIKE = 0.5
"""Largest rank correlation with the maps of random networks, whatever the floor."""
FEWEST_DRAWS = 20
"""Random networks, and networks trained on permuted labels."""
FEWEST_SHIFTS = 200
"""Shifted copies of the map."""
REMOVED = (0.01, 0.05, 0.10, 0.25, 0.50)
"""Parts of the voxels that are replaced or removed, those with the highest ranks first."""
BOOTSTRAPS = 2000
"""Bootstrap samples of an interval."""
LOWER_PERCENTILE = 2.5
"""Percentile of the bootstrap that is the lower bound of the 95% interval."""
FEWEST_UNITS = 3
"""Maps, or runs, that a bootstrap needs."""
