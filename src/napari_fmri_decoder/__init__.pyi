from . import decoders as decoders
from . import evaluation as evaluation
from . import explain as explain
from . import pipeline as pipeline
from . import samples as samples
from . import training as training
from . import volumes as volumes
from . import widgets as widgets
from .decoders import get_decoder as get_decoder
from .errors import InputError as InputError
from .explain import explainers as explainers
from .pipeline import finish as finish
from .pipeline import predict as predict
from .pipeline import run as run
from .recipe import Recipe as Recipe
from .recipe import load_recipe as load_recipe
from .recipe import make_recipe as make_recipe
from .samples.labels import label_sources as label_sources
from .samples.masks import mask_strategies as mask_strategies
from .training.bundle import load_bundle as load_bundle
from .volumes.nifti import write as write
from .volumes.read import read as read
from .volumes.volume import Volume as Volume

__version__: str
