"""The one compiled part. Where there is no compiler it is left out: slower, the same answers."""
from setuptools import Extension, setup

setup(ext_modules=[Extension("rules._survey", ["rules/_survey.c"], optional=True)])
