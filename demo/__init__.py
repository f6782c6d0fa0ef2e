"""The demo: two plugins in one program and in one Flutter app, and an app of the named plugins.

`demo.run` is `make demo`, `demo.app` is `make demo-app`, `demo.speech` is `make demo-speech`.
"""
