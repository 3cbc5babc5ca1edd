"""Settings for tests of the server processes themselves: the project's commands and database, none of its routes."""

from pathlib import Path

from mixpeek_site import databases, env

DATA_DIR = env.path("DATA_DIR", Path("/nonexistent"))  # the tests always say
SECRET_KEY = "bare"
ALLOWED_HOSTS = ["127.0.0.1"]
BLOB_STORES = ()  # no route serves blobs here
DATABASES = {"default": databases.settings_for(env.text("DATABASE_URL", ""), DATA_DIR)}
INSTALLED_APPS = ["tests.project", "mixpeek_site"]
if env.boolean("WITH_TABLES", False):
    INSTALLED_APPS += ["django.contrib.contenttypes"]
WSGI_APPLICATION = "tests.project.bare_application.application"
USE_TZ = True
