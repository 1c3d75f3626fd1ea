"""Asks what stdin lists with the official client, in turn, and prints what came of each as one JSON list."""

import json
import sys

from openai import OpenAI


def plain(parsed):
    return parsed.model_dump(mode="json")


def call(client, ask):
    method = client
    for name in ask["call"].split("."):
        method = getattr(method, name)
    return method(**ask["params"], extra_body=ask["extra"], timeout=ask["timeout_s"])


def outcome(client, ask):
    events = []
    try:
        answer = call(client, ask)
        if not ask["params"].get("stream"):
            return {"answer": plain(answer)}
        for event in answer:
            events.append(plain(event))
            if len(events) == ask["leave_after"]:
                answer.close()
                break
        return {"events": events}
    except Exception as error:
        fields = ["status_code", "code", "param", "type", "body"]
        told = {name: getattr(error, name, None) for name in fields}
        return {"events": events, "error": {"class": type(error).__name__, "message": str(error), **told}}


asks = json.load(sys.stdin)
clients = {url: OpenAI(base_url=url, api_key="none", max_retries=0) for url in {ask["url"] for ask in asks}}
json.dump([outcome(clients[ask["url"]], ask) for ask in asks], sys.stdout)
