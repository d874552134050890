from .checkpoint import Checkpoint as Checkpoint
from .pool import Pool as Pool
from .store import TaskStore as TaskStore
from .tasks import Tasks as Tasks
from .workers import open_pool as open_pool
