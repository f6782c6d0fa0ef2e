"""A fleet: all the plugin repositories that one team keeps, brought to a new template in one go.

`config` reads fleet.yaml, `facts` asks the repositories, `plan` decides, `run` does it: each
repository in a process of its own (`job`), over `executors`, remembered in the `ledger`.
"""
