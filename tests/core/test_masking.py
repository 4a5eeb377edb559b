"""What is shown of a phone number, a mailbox, a name and an account."""

import pytest

from outreach.core.masking import masked_email, masked_name, masked_phone


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("+8613812341234", "138****1234"),
        ("+85291235678", "+852****5678"),
        ("+442071838750", "+442****8750"),
        ("13812341234", "****1234"),
        ("12345", "****"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_phone_number_keeps_its_ends(phone: str | None, shown: str) -> None:
    assert masked_phone(phone) == shown


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("zhang.san@example.com", "z***@example.com"),
        ("a@b.cn", "a***@b.cn"),
        ("no-at-sign", "***"),
        (None, ""),
    ],
)
def test_a_mailbox_keeps_its_first_character_and_its_domain(email: str | None, shown: str) -> None:
    assert masked_email(email) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("张三", "张*"),
        ("张三丰", "张**"),
        ("欧阳娜娜", "欧阳**"),
        ("欧阳", "欧*"),
        ("示例投资管理有限公司", "示***"),
        ("𠮷田", "𠮷*"),
        ("John Doe", "J. D***"),
        ("Madonna", "M***"),
        (" ", "***"),
        (None, ""),
    ],
)
def test_a_name_keeps_its_family_name(name: str | None, shown: str) -> None:
    assert masked_name(name) == shown
