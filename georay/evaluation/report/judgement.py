"""The page of `georay evaluate`."""


def render_judgements(found: object) -> str:
    return ""
