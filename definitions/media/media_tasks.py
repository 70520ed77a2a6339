"""The film's tasks: what stands in for encoders."""

import asyncio
from typing import Any


class SpotInstanceLost(Exception):
    """The machine was taken away."""


class NoSpeech(Exception):
    """Nobody says anything in this film."""


def probe(film: dict[str, Any]) -> dict[str, Any]:
    """What the film is."""
    return {"heights": [2160, 1080, 720, 480], "seconds": film.get("seconds", 90)}


async def transcode(job: dict[str, Any], context: Any) -> dict[str, Any]:
    """One rendition. The encoder of 1080 lines is lost once."""
    await asyncio.sleep(0)
    if job["height"] == 1080 and context.attempt == 0:
        raise SpotInstanceLost("taken away")
    bad = job["source"].startswith("scratched") and job["height"] == 2160
    return {"file": f"{job['source']}-{job['height']}.mp4", "quality": 10 if bad else 90}


def captions(film: dict[str, Any]) -> dict[str, Any]:
    """What is said."""
    if film["source"].startswith("silent"):
        raise NoSpeech("not a word")
    return {"file": f"{film['source']}.vtt"}


def poster(film: dict[str, Any]) -> dict[str, Any]:
    """A still."""
    return {"file": f"{film['source']}.jpg"}


def publish(made: dict[str, Any]) -> dict[str, Any]:
    """Let people see it."""
    return {"published": len(made["renditions"]), "captions": made["captions"] is not None}


def clean_up(film: dict[str, Any]) -> dict[str, Any]:
    """Remove what was made."""
    return {"removed": film["source"]}
