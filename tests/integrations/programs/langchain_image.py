import base64
import struct
import zlib

from langchain_openai import ChatOpenAI
from langfuse import get_client
from langfuse.langchain import CallbackHandler


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0))
pixels = chunk(b"IDAT", zlib.compress(2 * (b"\0" + 2 * b"\x20\x20\xff")))
picture = b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")

url = "data:image/png;base64," + base64.b64encode(picture).decode()
content = [{"type": "text", "text": "Which colour?"}, {"type": "image_url", "image_url": {"url": url}}]
for _ in range(2):
    answer = ChatOpenAI(model="gpt-4o-mini").invoke(
        [{"role": "user", "content": content}], {"callbacks": [CallbackHandler()]}
    )
    print(answer.content)
get_client().flush()
