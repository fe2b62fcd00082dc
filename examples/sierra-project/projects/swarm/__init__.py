"""Project plugin: foraging swarms of different sizes."""


def sierra_plugin_type() -> str:
    return "project"
