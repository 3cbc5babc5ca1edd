"""Django's PostgreSQL backend for the embedded server (settings: ENGINE = "mixpeek_site.embedded.backend")."""
