"""Every URL of the site. The documents' routes come first: they are asked most."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView

from mixpeek_site.api import blobs, error_response
from mixpeek_site.api.schema import openapi_json

urlpatterns = [
    path("v1/", include("documents.api.urls")),
    path("v1/", include("namespaces.api.urls")),
    path("v1/openapi.json", openapi_json, name="openapi"),
    re_path(r"^blobs/(?P<key>.+)\Z", blobs.serve, name="blob"),
    path("docs", SpectacularSwaggerView.as_view(url_name="openapi"), name="docs"),
    path("redoc", SpectacularRedocView.as_view(url_name="openapi", template_name="redoc.html"), name="redoc"),
    path("admin/", admin.site.urls),
]

handler400 = error_response.handler400
handler404 = error_response.handler404
handler500 = error_response.handler500
