"""tvmplug: many TVM model plugins in one Flutter app, over one TVM runtime."""

__version__ = "0.1.0.dev0"
