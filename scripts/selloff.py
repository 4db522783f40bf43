"""Write the `selloff` command into the environment: the pipeline is a checkout, not a wheel."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = f"""#!{sys.executable}
import os
import sys

# Before numpy is loaded: a second thread doubles the CPU time of matrices as small as ours
# (measured on 11 x 11), and changes their last digits.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, {str(ROOT)!r})
from cli import main

main()
"""

target = Path(sys.argv[1])
target.write_text(COMMAND, encoding="utf-8")
target.chmod(0o755)
