"""What every file a clerk writes is made of: frozen models, texts in two languages, names."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Written(BaseModel):
    """Base of everything read from a TOML file: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Bilingual(Written):
    """A text in Chinese and English."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def in_(self, language: str) -> str:
        return self.zh if language.startswith("zh") else self.en


class BilingualList(Written):
    """A list in Chinese and English, such as the headings of articles."""

    zh: list[str] = Field(min_length=1)
    en: list[str] = Field(min_length=1)

    def in_(self, language: str) -> list[str]:
        return self.zh if language.startswith("zh") else self.en


Locale = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
Risk = Annotated[str, Field(pattern=r"^R[1-5]$", description="Product risk level, R1 to R5.")]
RiskOrNone = Annotated[str, Field(pattern=r"^(R[1-5]|none)$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
