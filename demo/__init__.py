"""The demo: two plugins in one program (`demo.run`) and in one Flutter app (`demo.app`)."""
