"""Two public clients that know nothing of this project, against the sandbox.

``node-taobao-topclient`` 0.1.7 runs as it is. ``alitop`` 0.2 is written for Python 2: ``ADAPTED`` lists every statement
that today's Python cannot run and its literal translation. They are replaced in memory while the test runs; neither the
protocol nor a line of the installed package changes. alitop has no class for messages, so the test declares one the way
the package declares all of its own: a subclass of ``RestApi`` with its parameters and the api's name.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from orders_pipeline.sandbox.clock import to_wire
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline_tests import node
from orders_pipeline_tests.sandbox.shop import a_refund, a_trade

ADAPTED = {
    "import urllib\n": "import urllib.parse\n",
    "urllib.urlencode(": "urllib.parse.urlencode(",
    "keys = parameters.keys()\n        keys.sort()": "keys = sorted(parameters.keys())",
    "hashlib.md5(parameters)": "hashlib.md5(parameters.encode('utf-8'))",  # a Python 2 str was bytes
    "self.__port, False, timeout)": "self.__port, timeout=timeout)",  # the third was 'strict', gone in Python 3
    "long(time.time()": "int(time.time()",
    "self.__dict__.iteritems()": "self.__dict__.items()",
    "application_parameter.iteritems()": "application_parameter.items()",
    'jsonobj.has_key("error_response")': '("error_response" in jsonobj)',
    'jsonobj["error_response"].has_key(P_CODE)': '(P_CODE in jsonobj["error_response"])',
    'jsonobj["error_response"].has_key(P_MSG)': '(P_MSG in jsonobj["error_response"])',
    'jsonobj["error_response"].has_key(P_SUB_CODE)': '(P_SUB_CODE in jsonobj["error_response"])',
    'jsonobj["error_response"].has_key(P_SUB_MSG)': '(P_SUB_MSG in jsonobj["error_response"])',
    "response.status is not 200": "response.status != 200",  # works, but warns
}
NODE_PACKAGE = "node-taobao-topclient@0.1.7"
NODE_SCRIPT = """
const TopClient = require('node-taobao-topclient').default;
const [url, appkey, appsecret, calls] = JSON.parse(process.argv[1]);
const client = new TopClient({ appkey, appsecret, REST_URL: url });
(async () => {
  const answers = [];
  for (const [method, params, verb] of calls) {
    answers.push(await client.execute(method, params, verb).catch(error => ({ code: error.code })));
  }
  process.stdout.write(JSON.stringify(answers));
})();
"""


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """Real time, as these clients read the machine's clock."""
    store, now = Store(), datetime.now(UTC)

    def ago(minutes: int) -> str:
        return to_wire(now - timedelta(minutes=minutes))

    trades = [a_trade(number, ago(50 - number), title="棉袜") for number in range(3)]
    for trade in trades:
        store.put_trade(trade, [{"id": trade["tid"], "promotion_name": "限时折扣"}])
    store.put_refund(a_refund(1, trades[0]["tid"], ago(10)))
    with SandboxServer(store, options=SandboxOptions()) as server:
        store.messages.topics = frozenset({"taobao_trade_TradeBuyerPay"})
        store.announce("taobao_trade_TradeBuyerPay", {"tid": trades[0]["tid"]}, now)
        yield server


def calls(sandbox: SandboxServer) -> list[tuple[str, dict[str, str]]]:
    """The five calls that must work, in the order in which ``check`` reads the answers."""
    now = sandbox.clock.now()
    window = {"start_modified": to_wire(now - timedelta(hours=2)), "end_modified": to_wire(now)}
    tid = str(min(sandbox.store.trades))
    return [
        ("taobao.trades.sold.get", {"fields": "tid,title,orders", "page_size": "2", "use_has_next": "true"}),
        ("taobao.trades.sold.increment.get", {"fields": "tid,modified"} | window),
        ("taobao.trade.fullinfo.get", {"fields": "tid_str,title,promotion_details", "tid": tid}),
        ("taobao.refunds.receive.get", {"fields": "refund_id,status"} | window),
        ("taobao.tmc.messages.consume", {"quantity": "10"}),
    ]


def check(sandbox: SandboxServer, answers: list[dict[str, Any]]) -> None:
    """Ids are compared where they are text: a JavaScript number holds no 19 digits."""
    sold, increment, full, refunds, messages = answers
    assert sold["has_next"] is True
    assert [row["title"] for row in sold["trades"]["trade"]] == ["棉袜"] * 2
    assert [len(row["orders"]["order"]) for row in sold["trades"]["trade"]] == [1, 1]
    newest_first = sorted((trade["modified"] for trade in sandbox.store.trades.values()), reverse=True)
    assert increment["total_results"] == 3
    assert [row["modified"] for row in increment["trades"]["trade"]] == newest_first
    assert full["trade"]["tid_str"] == str(min(sandbox.store.trades))
    assert full["trade"]["promotion_details"]["promotion_detail"][0]["promotion_name"] == "限时折扣"
    assert refunds["refunds"]["refund"] == [{"refund_id": "281000000000000001", "status": "WAIT_SELLER_AGREE"}]
    (message,) = messages["messages"]["tmc_message"]
    assert message["topic"] == "taobao_trade_TradeBuyerPay"


@pytest.fixture
def alitop() -> Iterator[ModuleType]:
    """The package with ``ADAPTED`` applied in memory."""
    before = set(sys.modules)
    spec = importlib.util.find_spec("top")
    assert spec is not None
    assert spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0]) / "api" / "base.py"
    source = path.read_text(encoding="utf-8")
    for old, new in ADAPTED.items():
        assert old in source, f"alitop changed: {old!r} is gone"
        source = source.replace(old, new)
    base = ModuleType("top.api.base")
    package, api = ModuleType("top"), ModuleType("top.api")  # as packages, so that base's own imports find their names
    package.__path__, api.__path__ = [str(path.parent.parent)], [str(path.parent)]
    package.__dict__["getDefaultAppInfo"] = lambda: None
    sys.modules |= {"top": package, "top.api": api, "top.api.base": base}
    exec(compile(source, str(path), "exec"), base.__dict__)
    yield base
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "top":
            del sys.modules[name]


def test_alitop(sandbox: SandboxServer, alitop: ModuleType) -> None:
    class AppInfo:
        appkey, secret = sandbox.options.app_key, sandbox.options.app_secret

    class TmcMessagesConsumeRequest(alitop.RestApi):  # type: ignore[name-defined, misc]
        def getapiname(self) -> str:
            return "taobao.tmc.messages.consume"

    host, port = sandbox.url.removeprefix("http://").split(":")

    def send(method: str, params: dict[str, str], session: str | None) -> dict[str, Any]:
        name = "".join(word.capitalize() for word in method.removeprefix("taobao.").split(".")) + "Request"
        if name == TmcMessagesConsumeRequest.__name__:
            request = TmcMessagesConsumeRequest(host, int(port))
        else:
            request = getattr(importlib.import_module(f"top.api.rest.{name}"), name)(host, int(port))
        request.set_app_info(AppInfo)
        for parameter, value in params.items():
            setattr(request, parameter, value)
        answer: dict[str, Any] = request.getResponse(session)
        return answer

    answers = [send(method, params, sandbox.options.session) for method, params in calls(sandbox)]
    roots = [method.removeprefix("taobao.").replace(".", "_") + "_response" for method, _ in calls(sandbox)]
    check(sandbox, [answer[root] for answer, root in zip(answers, roots, strict=True)])
    with pytest.raises(alitop.TopException) as refusal:
        send("taobao.trades.sold.get", {"fields": "tid"}, "stolen")
    assert refusal.value.errorcode == 27


@pytest.fixture(scope="module")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("topclient")
    node.install(NODE_PACKAGE, folder)
    return folder


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_node_taobao_topclient(sandbox: SandboxServer, node_folder: Path, verb: str) -> None:
    options = sandbox.options
    session = {"session": options.session}
    asked: list[tuple[str, dict[str, str], str]] = [
        (method, params | session, verb) for method, params in calls(sandbox)
    ]
    asked.append(("taobao.trades.sold.get", {"fields": "tid", "session": "stolen"}, verb))
    given = json.dumps([sandbox.gateway_url, options.app_key, options.app_secret, asked])
    # it writes its timestamp in the local zone (spec section 9)
    *answers, refused = json.loads(node.run(NODE_SCRIPT, node_folder, given, env={"TZ": "Asia/Shanghai"}))
    check(sandbox, answers)
    assert refused == {"code": 27}
