"""JSON from a model that has no structured output of its own: how it is asked for, found in the text, and given back."""

from __future__ import annotations

import json
import re

from pydantic import BaseModel, ValidationError


def schema_text(schema: type[BaseModel]) -> str:
    return json.dumps(schema.model_json_schema(), ensure_ascii=False)


def json_wanted(schema: type[BaseModel]) -> str:
    return (
        f"Answer with one JSON object and nothing else. It must fit this JSON schema:\n{schema_text(schema)}"
    )


def json_refused(error: ValidationError) -> str:
    problems = "\n".join(
        f"- {'.'.join(str(part) for part in problem['loc']) or 'the whole'}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False)[:10]
    )
    return f"That does not fit the schema:\n{problems}\nAnswer again with the corrected JSON object and nothing else."


def json_in(text: str) -> str:
    """The JSON object in a model's text, without the fence or the words around it; the text itself where there is none."""
    decoder = json.JSONDecoder()
    for found in re.finditer(r"\{", text):
        try:
            _, end = decoder.raw_decode(text, found.start())
        except ValueError:
            continue
        return text[found.start() : end]
    return text.strip()
