import sys

from tfportrait.cli import main

sys.exit(main())
