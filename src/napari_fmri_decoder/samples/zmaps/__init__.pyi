from .config import ZMapsConfig as ZMapsConfig
from .make import ZMaps as ZMaps
from .make import make_zmaps as make_zmaps
from .make import plan_zmaps as plan_zmaps
from .make import zmap_steps as zmap_steps
from .runs import Run as Run
from .runs import find_runs as find_runs
from .runs import runs_of_table as runs_of_table
