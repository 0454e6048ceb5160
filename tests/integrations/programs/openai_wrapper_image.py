import base64
import struct
import zlib

from langfuse import get_client
from langfuse.openai import openai


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0))
pixels = chunk(b"IDAT", zlib.compress(2 * (b"\0" + 2 * b"\xff\x20\x20")))
picture = b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")

url = "data:image/png;base64," + base64.b64encode(picture).decode()
content = [{"type": "text", "text": "Which colour?"}, {"type": "image_url", "image_url": {"url": url}}]
for name in ("look", "look again"):
    answer = openai.OpenAI().chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": content}], name=name
    )
    print(answer.choices[0].message.content)
get_client().flush()
