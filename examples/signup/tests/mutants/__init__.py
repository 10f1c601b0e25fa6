"""The service, broken on purpose: each module runs it with one fault, which `kills.py` has to find."""
