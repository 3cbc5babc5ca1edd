"""Every URL of the site. The documents' routes come first: they are asked most."""

from django.contrib import admin
from django.urls import include, path

from mixpeek_site.api import error_response

urlpatterns = [
    path("v1/", include("documents.api.urls")),
    path("admin/", admin.site.urls),
]

handler400 = error_response.handler400
handler404 = error_response.handler404
handler500 = error_response.handler500
