from .center_sets import CenterSets as CenterSets
from .config import CentersConfig as CentersConfig
from .making import make_centers as make_centers
