"""Run the command as ``python -m minisim_guide``."""

import sys

from minisim_guide.cli import main

sys.exit(main())
