"""The WSGI door for gunicorn and other servers."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
# What is loaded stays: looking through it for garbage now and then would hold up a request by a sixth of a second.
gc.collect()
gc.freeze()
