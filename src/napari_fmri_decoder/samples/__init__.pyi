from .opening import open_images as open_images
from .prepare_config import PrepareConfig as PrepareConfig
from .samples import Samples as Samples
from .samples import Space as Space
from .slab_config import SlabConfig as SlabConfig
from .split_config import SplitConfig as SplitConfig
from .splits import Split as Split
from .splits import make_splits as make_splits
