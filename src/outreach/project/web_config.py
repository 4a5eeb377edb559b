"""The `[web]` table of config.toml: where providers and clients reach the program."""

from pydantic import Field

from outreach.core.written import Written


class Web(Written):
    """The HTTP door of `outreach serve`. It speaks HTTP: TLS is the proxy's before it."""

    address: str = Field("127.0.0.1", description="Address it listens on.")
    port: int = Field(8025, ge=0, le=65535, description="0: any free one.")
    public_url: str = Field(
        description="https address under which providers reach it; what they sign begins with it."
    )
    trusted_proxies: tuple[str, ...] = Field(
        ("127.0.0.1", "::1"), description="Whose X-Forwarded-For is believed."
    )
    body_limit: int = Field(
        262_144, ge=1_024, le=16_777_216, description="Bytes of one request; more is refused."
    )
    requests_per_second: float = Field(
        10.0, gt=0, description="Of one address, of those that show no secret: pages and rubbish."
    )
    timeout: float = Field(
        10.0, ge=1, le=60, description="Seconds a client may take to send its request."
    )
    connections: int = Field(1_000, ge=10, le=50_000, description="At once, of each process.")
    processes: int = Field(
        1, ge=1, le=16, description="Of several one stores and applies what the others take in."
    )
