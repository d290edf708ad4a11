"""附件: judged by content, cleaned of what nobody meant to send, sealed with the key of the case."""

from io import BytesIO

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from PIL import Image

from libs.case.testing import CASE_ID
from libs.events.errors import Erased, Malformed, TooLarge, WrongType
from libs.log.write.seal import CaseKeys
from services.intake.domain import attachments
from services.intake.domain.attachments import PictureUnreadable, cleaned

GPS, ORIENTATION, MODEL = 0x8825, 0x0112, 0x0110
PDF = b"%PDF-1.7\n%%EOF\n"


def picture(kind: str = "JPEG", size: tuple[int, int] = (40, 20), mode: str = "RGB", **how: object) -> bytes:
    """A picture that is red at the left and blue at the right."""
    image = Image.new(mode, size, "blue")
    image.paste(Image.new(mode, (size[0] // 2, size[1]), "red"), (0, 0))
    made = BytesIO()
    image.save(made, kind, **how)
    return made.getvalue()


def with_metadata() -> bytes:
    exif = Image.Exif()
    exif[MODEL] = "SECRET-PHONE"
    exif[ORIENTATION] = 6
    exif.get_ifd(GPS)[2] = (32.0, 6.0, 18.0)
    return picture(exif=exif.tobytes(), comment=b"SECRET-COMMENT") + b"SECRET-TAIL"


@pytest.mark.parametrize(("kind", "media"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_a_picture_is_known_by_its_content(kind: str, media: str) -> None:
    kept = cleaned(picture(kind))
    with Image.open(BytesIO(kept.content)) as image:
        assert (kept.media_type, image.format, image.size) == (media, kind, (40, 20))


def test_place_device_comment_and_whatever_hangs_behind_a_picture_are_gone() -> None:
    raw = with_metadata()
    assert b"SECRET-PHONE" in raw
    kept = cleaned(raw)
    with Image.open(BytesIO(kept.content)) as image:
        assert (dict(image.getexif()), "comment" in image.info) == ({}, False)
    assert b"SECRET" not in kept.content


def test_a_picture_taken_with_a_turned_camera_stands_upright() -> None:
    with Image.open(BytesIO(cleaned(with_metadata()).content)) as image:
        assert image.size == (20, 40)
        assert image.convert("RGB").getpixel((10, 2))[0] > 200  # type: ignore[index]


def test_text_inside_a_png_and_transparent_colours_are_treated_as_they_should() -> None:
    from PIL.PngImagePlugin import PngInfo

    note = PngInfo()
    note.add_text("Comment", "SECRET-TEXT")
    assert b"SECRET" not in cleaned(picture("PNG", pnginfo=note)).content
    with Image.open(BytesIO(cleaned(picture("PNG", mode="RGBA")).content)) as image:
        assert image.mode == "RGBA"
    assert cleaned(picture("JPEG", mode="CMYK")).media_type == "image/jpeg"


def test_a_pdf_stays_as_it_is_and_its_name_is_its_hash() -> None:
    kept = cleaned(PDF)
    assert (kept.media_type, kept.content) == ("application/pdf", PDF)
    assert kept.sha256 == cleaned(PDF).sha256
    assert len(kept.sha256) == 64


def test_of_several_pictures_in_one_file_the_first_is_kept() -> None:
    first, second = (Image.new("RGB", (40, 20), colour) for colour in ("red", "blue"))
    made = BytesIO()
    first.save(made, "MPO", save_all=True, append_images=[second])
    kept = cleaned(made.getvalue())
    with Image.open(BytesIO(kept.content)) as image:
        assert (kept.media_type, image.format, image.getpixel((20, 10))[0] > 200) == ("image/jpeg", "JPEG", True)  # type: ignore[index]


def test_what_a_telephone_takes_as_heic_is_shown_by_every_browser() -> None:
    kept = cleaned(picture("HEIF", size=(64, 64)))
    with Image.open(BytesIO(kept.content)) as image:
        assert (kept.media_type, image.format, image.size) == ("image/jpeg", "JPEG", (64, 64))


def test_a_ramp_of_sixteen_bits_stays_a_ramp() -> None:
    ramp = Image.new("I;16", (256, 1))
    for x in range(256):
        ramp.putpixel((x, 0), x * 256)
    made = BytesIO()
    ramp.save(made, "PNG")
    with Image.open(BytesIO(cleaned(made.getvalue()).content)) as image:
        shades = [image.convert("L").getpixel((x, 0)) for x in range(256)]
    assert shades == list(range(256))


def test_a_picture_larger_than_a_screen_is_scaled_down_in_its_proportions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "KEPT_PIXELS", 20_000)
    for kind in ("JPEG", "PNG", "WEBP"):
        with Image.open(BytesIO(cleaned(picture(kind, size=(400, 200))).content)) as image:
            assert image.width * image.height <= 20_200
            assert image.width == pytest.approx(image.height * 2, abs=2)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_whatever_its_pixels_no_more_than_so_many_bytes_are_kept(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setattr(attachments, "KEPT_BYTES", 20_000)
    noise = Image.effect_noise((300, 300), 90).convert(mode)
    if mode == "RGBA":
        noise.putalpha(Image.effect_noise((300, 300), 90))
    for kind in ("PNG", "WEBP"):
        made = BytesIO()
        noise.save(made, kind)
        assert len(cleaned(made.getvalue()).content) <= 20_000


@pytest.mark.parametrize("raw", [picture("GIF"), b"<svg/>", b"MZ" + bytes(100), "照片".encode()])
def test_anything_else_is_refused_whatever_it_is_called(raw: bytes) -> None:
    with pytest.raises(WrongType):
        cleaned(raw)


def test_an_empty_a_damaged_and_a_too_large_file_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Malformed):
        cleaned(b"")
    for kind in ("JPEG", "PNG", "WEBP"):
        with pytest.raises(PictureUnreadable):
            cleaned(picture(kind, size=(400, 300))[:-200])
    with pytest.raises(TooLarge):
        cleaned(b"%PDF-" + bytes(8 * 1024 * 1024))
    monkeypatch.setattr(attachments, "MOST_PIXELS", 799)
    with pytest.raises(TooLarge):
        cleaned(picture())
    monkeypatch.setattr(attachments, "MOST_PIXELS_AT_ONCE", 799)
    with pytest.raises(TooLarge):
        cleaned(picture("WEBP"))


def test_what_is_sealed_opens_with_the_key_and_the_name_it_was_sealed_with() -> None:
    keys = CaseKeys(CASE_ID, {"case": AESGCM(b"\x01" * 32)})
    sealed = keys.seal_file(PDF, "a" * 64)
    assert PDF not in sealed
    assert keys.open_file(sealed, "a" * 64) == PDF
    with pytest.raises(InvalidTag):
        keys.open_file(sealed, "b" * 64)


def test_with_its_key_destroyed_nothing_is_sealed_or_opened() -> None:
    sealed = CaseKeys(CASE_ID, {"case": AESGCM(b"\x01" * 32)}).seal_file(PDF, "a" * 64)
    without = CaseKeys(CASE_ID, {"reporter": AESGCM(bytes(32))})
    with pytest.raises(Erased):
        without.open_file(sealed, "a" * 64)
    with pytest.raises(Erased):
        without.seal_file(PDF, "a" * 64)
