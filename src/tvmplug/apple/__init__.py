"""Frameworks and XCFrameworks for Apple's platforms, linked and packed on any host."""
