"""Signatures against the worked examples of the gateways' own documentation."""

from datetime import UTC, datetime

import pytest

from outreach.core.gateway.signing import Key, Unsigned, acs3, digest_of, encoded, tc3


def test_acs3_is_signed_as_the_example_of_alibaba_cloud() -> None:
    """https://help.aliyun.com/document_detail/2593177.html, with its fixed values."""
    image = "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"
    request = Unsigned(
        "POST", "/", {"RegionId": "cn-shanghai", "ImageId": image},
        {"host": "ecs.cn-shanghai.aliyuncs.com"}, b"",
    )  # fmt: skip
    headers = acs3(
        request, Key("YourAccessKeyId", "YourAccessKeySecret"), action="RunInstances",
        version="2014-05-26", at=datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC),
        nonce="3156853299f313e23d1673dc12e1703d",
    )  # fmt: skip

    assert headers["Authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_tc3_is_signed_as_the_example_of_tencent_cloud() -> None:
    """https://cloud.tencent.com/document/api/306/57449, with its starred key."""
    content = (
        b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
    )
    request = Unsigned(
        "POST", "/", {},
        {"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"},
        content,
    )  # fmt: skip
    headers = tc3(
        request, Key("AKID" + "*" * 32, "*" * 32), action="DescribeInstances",
        version="2017-03-12", service="cvm", region="ap-guangzhou",
        at=datetime.fromtimestamp(1551113065, UTC),
    )  # fmt: skip

    assert headers["Authorization"].endswith(
        "Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
    )


@pytest.mark.parametrize(
    ("pieces", "signature"),
    [
        # https://blog.csdn.net/weixin_33643788/article/details/113364865
        (("test", "mima", "20120701231212"), "5cc68982f55ac74348e3d819f868fbe1"),
        # https://www.showdoc.com.cn/2020693598807105/10043421782976405
        (("test", "123456", "1628769561"), "d13cd89f7c069feef2a7a202d14b7016"),
    ],
)
def test_md5_is_taken_as_the_papers_of_two_ports_have_it(
    pieces: tuple[str, ...], signature: str
) -> None:
    assert digest_of("md5", pieces, "") == signature


def test_hmac_is_that_of_rfc_4231() -> None:
    """Test case 2."""
    assert digest_of("hmac-sha256", ("what do ya want ", "for nothing?"), "Jefe") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_names_and_values_are_encoded_as_rfc_3986_has_it() -> None:
    assert encoded({"b": "~-_.", "a": " *+/中"}) == "a=%20%2A%2B%2F%E4%B8%AD&b=~-_."


def test_a_key_does_not_show_its_secret() -> None:
    assert "s3cret" not in repr(Key("me", "s3cret"))
