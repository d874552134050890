from .predicting import can_stack as can_stack
from .predicting import predict_stacked as predict_stacked
