"""Django's settings. What a deployment may change is read in `config/env.py`; `docs/reference/settings.md` lists it."""

from pathlib import Path

from config import __version__, env, limits

env.keep_private()
BASE_DIR = env.ROOT
VAR = env.VAR
DEMO = env.DEMO
DEBUG = env.DEBUG
BASE_URL = env.BASE_URL
VERSION = __version__
LEASE_SECONDS = env.LEASE_SECONDS
LOCK_MINUTES = env.LOCK_MINUTES
ALLOWED_TARGETS = env.ALLOWED_TARGETS
DENIED_TARGETS = env.DENIED_TARGETS
STOP_SECONDS = env.STOP_SECONDS
RESTART_MINUTES = env.RESTART_MINUTES
RESTART_PAUSE = env.RESTART_PAUSE
LOOK_AGAIN_SECONDS = env.LOOK_AGAIN_SECONDS
#: Whose SNMP traps count (`manage.py receive_traps`): a community (v1, v2c), or a user with keys of his engine (v3).
TRAP_COMMUNITY = env.env.str("INTERLOCK_TRAP_COMMUNITY", "")
TRAP_USER = env.env.str("INTERLOCK_TRAP_USER", "")
TRAP_ENGINE_ID = env.env.str("INTERLOCK_TRAP_ENGINE_ID", "")
TRAP_AUTH_KEY = env.env.str("INTERLOCK_TRAP_AUTH_KEY", "")
TRAP_PRIV_KEY = env.env.str("INTERLOCK_TRAP_PRIV_KEY", "")
CONNECT_TRIES = env.CONNECT_TRIES
LOGIN_SECONDS = env.LOGIN_SECONDS
SECRET_KEY = env.secret_file("django.key")
#: The key ring that seals credentials: one key a line, newest first, each 32 bytes in hex. Never SECRET_KEY.
KEY_RING_FILE = Path(env.env.str("INTERLOCK_KEY_FILE", str(VAR / "credentials.key")))
#: What signs the heads of audit trails (Ed25519: 32 bytes in hex), and the file to which they are appended.
AUDIT_KEY_FILE = Path(env.env.str("INTERLOCK_AUDIT_KEY_FILE", str(VAR / "audit.key")))
AUDIT_ANCHORS = Path(env.env.str("INTERLOCK_AUDIT_ANCHORS", str(VAR / "audit-anchors.jsonl")))
AUDIT_SYSLOG = env.env.bool("INTERLOCK_AUDIT_SYSLOG", False)
ALLOWED_HOSTS = env.HOSTS
CSRF_TRUSTED_ORIGINS = env.TRUSTED_ORIGINS

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "guardian",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_htmx",
    "csp",
    "devices",
    "templates_app",
    "approvals",
    "jobs",
]

MIDDLEWARE = [
    "config.proxies.TrustedProxies",
    "config.slashes.EitherSlash",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.request_log.RequestLog",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.errors_http.ServiceErrorMiddleware",
    "devices.web.middleware.SignInRequired",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates", BASE_DIR / "jobs" / "types"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "jobs.web.frame.frame",
            ],
            "libraries": {"ui": "config.ui"},
            "builtins": ["config.ui"],
        },
    },
]

_SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": VAR / "interlock.sqlite3",
    # WAL and IMMEDIATE together: without them concurrent read-then-write transactions are lost to "database is locked".
    "OPTIONS": {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;",
    },
}
DATABASES = {"default": env.env.db_url_config(env.DATABASE_URL) if env.DATABASE_URL else _SQLITE}
DATABASES["default"]["CONN_MAX_AGE"] = 300
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = [
    "devices.web.sign_in.Guarded",
    "guardian.backends.ObjectPermissionBackend",
]
SIGN_IN_TRIES = env.SIGN_IN_TRIES
SIGN_IN_MINUTES = env.SIGN_IN_MINUTES
#: Whose word on the client's address and scheme is believed (`config.proxies`).
TRUSTED_PROXIES = env.TRUSTED_PROXIES
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
#: What an approval policy can be for: approvals do not know jobs, so they are told by name.
APPROVAL_KINDS = "jobs.dispatch.policy_kinds.groups"
APPROVAL_SUBJECTS = "jobs.dispatch.approval_subjects"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "sign-in"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [env.STATIC]
WHITENOISE_USE_FINDERS = True

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = env.HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if env.HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.HTTPS else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = limits.MOST_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = limits.MOST_FORM_FIELDS
DATA_UPLOAD_MAX_NUMBER_FILES = limits.MOST_FORM_FILES
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'self'"],
    }
}

CELERY_BROKER_URL = env.broker_url()
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_BACKEND = None
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {"socket_timeout": 5, "socket_connect_timeout": 2}
if CELERY_BROKER_URL.startswith("filesystem://"):
    _FOLDER = VAR / "run" / "messages"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_FOLDER),
        "data_folder_out": str(_FOLDER),
        "control_folder": str(VAR / "run" / "control"),
    }
CELERY_BEAT_SCHEDULE = {
    "jobs: dispatch what is due": {"task": "jobs.tick", "schedule": 1.0, "options": {"expires": 10}},
    "devices: deliver messages": {"task": "devices.deliver", "schedule": 5.0, "options": {"expires": 15}},
    "devices: anchor the audit trails": {"task": "devices.anchor_audit", "schedule": 3600.0},
    "approvals: remind and expire": {"task": "approvals.watch", "schedule": 60.0, "options": {"expires": 60}},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "devices.api.tokens.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "config.api_pages.Pages",
    "PAGE_SIZE": 50,
    "DEFAULT_FILTER_BACKENDS": [],
    "DEFAULT_PARSER_CLASSES": ["config.api_json.StrictJson"],
    "LIST_SERIALIZER_ERRORS_AS_DICT": True,
    # OPTIONS would answer 200 for ids that GET calls unknown.
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "config.api_schema.JsonSchema",
    "EXCEPTION_HANDLER": "config.api.problem",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Interlock API",
    "DESCRIPTION": "Service jobs on network devices: everything the wizard does, with the same rules.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "RunStatus": "jobs.domain.states.CHOICES",
        "ApprovalStatus": "approvals.domain.CHOICES",
        "TemplateStatus": "templates_app.models.ServiceTemplate.Status",
        "JobStatus": "jobs.models.ServiceJob.Status",
        "TriggerKind": "jobs.domain.spec.TRIGGER_CHOICES",
        "ConfigurationKind": "devices.models.ConfigSnapshot.Kind",
    },
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "config.logs.JsonLines"}, "text": {"()": "config.logs.TextLines"}},
    "filters": {"without_address": {"()": "config.request_log.WithoutAddress"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": env.LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": env.LOG_LEVEL},
    "loggers": {
        # It has a handler of its own otherwise.
        "gunicorn.error": {"handlers": ["console"], "propagate": False},
        # What it says of refused requests, `config.request_log` says too.
        "django.request": {"level": "ERROR", "filters": ["without_address"]},
        # On more talkative levels it says what devices are sent and answer.
        "netmiko": {"level": "WARNING"},
        "paramiko": {"level": "CRITICAL"},
        "asyncssh": {"level": "ERROR"},
        "kombu": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "django_celery_beat.schedulers": {"level": "WARNING"},
    },
}
