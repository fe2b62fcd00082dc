"""Engine plugin for simulate.py: one JSON file in, one CSV file out, standard library only."""


def sierra_plugin_type() -> str:
    return "pipeline"
