from .devices import Device as Device
from .devices import choose_device as choose_device
from .devices import devices_found as devices_found
from .environment import Environment as Environment
