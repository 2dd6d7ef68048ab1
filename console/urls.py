"""The console's pages. A page's URL is its state."""

from django.urls import include, path

from console import api_page
from console.accounts.admin import site
from console.accounts.views import LinkView, SignInView, SignOutView
from console.deliveries import DeliveriesView, SearchView
from console.delivery import BodyView, DeliveryView
from console.doctor_page import DoctorView
from console.forwarding.views import ForwardView
from console.metrics import MetricsView
from console.operations import ChangeView, OperationsView, OperationView
from console.overview import OverviewView
from console.pages import favicon
from console.records import CommitView, NumberedView, PullRequestView
from console.recovery import RecoveryView
from console.rejections import RejectionsView, UnmatchedView
from console.replaying import ReplayAllView, ReplayView
from console.repositories import RepositoriesView, RepositoryView
from console.syncing import SyncView
from ledger import operations

urlpatterns = [
    path("", OverviewView.as_view(), name="overview"),
    path("deliveries", DeliveriesView.as_view(), name="deliveries"),
    path("deliveries/replay", ReplayView.as_view(), name="replay"),
    path("deliveries/<int:pk>", DeliveryView.as_view(), name="delivery"),
    path("deliveries/<int:pk>/body", BodyView.as_view(), name="body"),
    path("deliveries/<int:pk>/forward", ForwardView.as_view(), name="forward"),
    path("recovery", RecoveryView.as_view(), name="recovery"),
    path("rejections", RejectionsView.as_view(), name="rejections"),
    path("unmatched", UnmatchedView.as_view(), name="unmatched"),
    path("operations", OperationsView.as_view(), name="operations"),
    path("operations/replay", ReplayAllView.as_view(), name="replay-all"),
    path("operations/<int:pk>", OperationView.as_view(), name="operation"),
    path("operations/<int:pk>/cancel", ChangeView.as_view(), name="cancel"),
    path(
        "operations/<int:pk>/resume",
        ChangeView.as_view(change=operations.resume, too_late="It can be resumed only after it ended."),
        name="resume",
    ),
    path("repositories", RepositoriesView.as_view(), name="repositories"),
    path("repositories/<int:pk>", RepositoryView.as_view(), name="repository"),
    path("repositories/<int:pk>/sync", SyncView.as_view(), name="sync"),
    path("repositories/<int:pk>/pulls/<int:number>", PullRequestView.as_view(), name="pull-request"),
    path("repositories/<int:pk>/issues/<int:number>", NumberedView.as_view(), name="issue"),
    path("repositories/<int:pk>/commits/<slug:sha>", CommitView.as_view(), name="commit"),
    path("doctor", DoctorView.as_view(), name="doctor"),
    path("favicon.ico", favicon, name="favicon"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("search", SearchView.as_view(), name="search"),
    path("sign-in", SignInView.as_view(), name="sign-in"),
    path("sign-in/<str:token>", LinkView.as_view(), name="sign-in-link"),
    path("sign-out", SignOutView.as_view(), name="sign-out"),
    path("admin/", site.urls),
    path("api/v1/docs", api_page.PageView.as_view(), name="api"),
    path("api/v1/openapi.json", api_page.SchemaView.as_view(), name="openapi"),
    path("", include("api.urls")),
]
handler400 = "console.pages.refused"
handler403 = "console.pages.denied"
handler404 = "console.pages.missing"
handler500 = "console.pages.failed"
