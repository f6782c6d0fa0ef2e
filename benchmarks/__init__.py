"""What measures: ratios, side by side, in one run on one machine."""

import os

# One thread for each side. Read when NumPy and TVM are loaded, so set before anything else.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "TVM_NUM_THREADS"):
    os.environ[_variable] = "1"
