"""One settings file; everything that differs between machines comes from the environment (README, "Environment")."""

from pathlib import Path

from corsheaders.defaults import default_headers

from mixpeek_site import databases, env, secret
from mixpeek_site.blob_stores import configuration as blob_stores

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.path("DATA_DIR", BASE_DIR / ".data")

SECRET_KEY = secret.key(DATA_DIR)
DEBUG = env.boolean("DEBUG", False)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", [])

# Which web pages of other origins may call the API; none unless named (contract section 1).
CORS_ALLOWED_ORIGINS = env.words("CORS_ALLOWED_ORIGINS", [])
CORS_ALLOW_HEADERS = (*default_headers, "x-namespace", "x-request-id", "if-match", "if-none-match", "idempotency-key")
CORS_EXPOSE_HEADERS = ("ETag", "Location", "Link", "Retry-After", "X-Request-ID")

DATABASES = {"default": databases.settings_for(env.text("DATABASE_URL", ""), DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "mixpeek_site",
    "namespaces",
    "documents",
    "mixpeek_site.admin_config.StoreAdminConfig",  # django.contrib.admin, with a site of ours
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

# The pages of staff need these; requests below /v1/ pass ResponseHeadersMiddleware alone (mixpeek_site/wsgi.py).
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "mixpeek_site.api.headers.ResponseHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "mixpeek_site.urls"
WSGI_APPLICATION = "mixpeek_site.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = ["mixpeek_site.formats"]

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True

# What a page of the admin failed at is written to stderr, once, as what the API fails at is (mixpeek.api). By itself Django
# writes it nowhere while DEBUG is off.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"dated": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {
        "debug is off": {"()": "django.utils.log.RequireDebugFalse"},
        "exceptions": {"()": "django.utils.log.CallbackFilter", "callback": lambda record: bool(record.exc_info)},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "dated", "filters": ["debug is off", "exceptions"]}},
    "loggers": {"django.request": {"handlers": ["stderr"], "level": "ERROR"}},
}

AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["mixpeek_site.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}

# Limits of the contract (section 11); the docs and the 413/422 messages quote them.
MAX_BODY_BYTES = env.integer("MAX_BODY_BYTES", 32 * 1024 * 1024)
MAX_DOCUMENT_BYTES = env.integer("MAX_DOCUMENT_BYTES", 16 * 1024 * 1024)
MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_JSON_DEPTH = 64
MAX_NUMBER_DIGITS = 1000
MAX_LIST_LIMIT = 1000
MAX_LIST_OFFSET = 10_000
MAX_BATCH = 1000
MAX_FILTER_DEPTH = 10
MAX_FILTER_CONDITIONS = 200
MAX_REGEX_LENGTH = 1000
MAX_SEARCH_LENGTH = 4096
REGEX_TIMEOUT_SECONDS = 2

# What a write of all that filters match may take; other statements end at databases.STATEMENT_TIMEOUT.
BULK_STATEMENT_SECONDS = env.integer("BULK_STATEMENT_SECONDS", 300)

# For the build of an index of vectors: memory of the database server, and processes beside the first (0: none).
VECTOR_INDEX_BUILD_MEMORY_MB = env.integer("VECTOR_INDEX_BUILD_MEMORY_MB", 1024, maximum=1024 * 1024)
VECTOR_INDEX_BUILD_WORKERS = env.integer("VECTOR_INDEX_BUILD_WORKERS", 2, minimum=0, maximum=64)

# Exports that stream to clients of the API: how many each worker serves at once, what one may take in all, and how long a
# client may take nothing before its connection is cut.
EXPORTS_AT_ONCE = env.integer("EXPORTS_AT_ONCE", 2)
EXPORT_SECONDS = env.integer("EXPORT_SECONDS", 3600)
EXPORT_STALL_SECONDS = env.integer("EXPORT_STALL_SECONDS", 60)

# Where the bytes of blobs are, how long a signed URL of one is valid, the most that one upload may have, and under which
# address URLs lead back to this server (empty: as each request names it).
BLOB_STORES = blob_stores.read(env.text("BLOB_STORES", "local://"), DATA_DIR / "blobs")
BLOB_URL_SECONDS = env.integer("BLOB_URL_SECONDS", 3600, maximum=7 * 24 * 3600)
MAX_UPLOAD_BYTES = env.integer("MAX_UPLOAD_BYTES", 2 * 1024**3, maximum=5 * 1024**3)
BLOB_DOWNLOADS_AT_ONCE = env.integer("BLOB_DOWNLOADS_AT_ONCE", 4)
PUBLIC_URL = env.origin("PUBLIC_URL")

# Which of native, v1, v2 answers carry when neither the request nor the document says (contract section 4).
DEFAULT_SCHEMA_VERSION = env.text("DEFAULT_SCHEMA_VERSION", "native")

# The API measures bodies itself and answers 413 (mixpeek_site/api/viewset.py).
DATA_UPLOAD_MAX_MEMORY_SIZE = None

SPECTACULAR_SETTINGS = {
    "TITLE": "Document store",
    "DESCRIPTION": "Documents of decomposed media, their lineage, blobs and vectors.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "PREPROCESSING_HOOKS": ["mixpeek_site.api.schema.only_api"],
    "POSTPROCESSING_HOOKS": ["mixpeek_site.api.schema.with_components"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": [],
    "SERVE_AUTHENTICATION": [],
}
