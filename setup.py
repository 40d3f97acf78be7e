"""The compiled parts. Where there is no compiler they are left out: slower, the same answers."""
from setuptools import Extension, setup

setup(ext_modules=[Extension(f"rules.{name}", [f"rules/{name}.c"], optional=True) for name in ("_survey", "_words")])
