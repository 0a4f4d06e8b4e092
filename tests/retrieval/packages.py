"""Small course packages, made as the specifications and the platforms' exporters make them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

Files = Mapping[str, str | bytes]


def make_zip(files: Files) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def make_tar(files: Files, *, links: Mapping[str, str] | None = None) -> bytes:
    """``links``: name -> target of symbolic links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return out.getvalue()


def make_tar_gz(files: Files) -> bytes:
    return gzip.compress(make_tar(files))


def page(title: str, body: str, **meta: str) -> str:
    """A page as Canvas writes it."""
    metas = "".join(f'<meta name="{name}" content="{value}"/>' for name, value in meta.items())
    return f"<html><head><title>{escape(title)}</title>{metas}</head><body>{body}</body></html>"


# Common Cartridge

CARTRIDGE_NAMESPACES = {
    "1.0": "http://www.imsglobal.org/xsd/imscc/imscp_v1p1",
    "1.1": "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1",
    "1.2": "http://www.imsglobal.org/xsd/imsccv1p2/imscp_v1p1",
    "1.3": "http://www.imsglobal.org/xsd/imsccv1p3/imscp_v1p1",
}


def cartridge(
    items: str, resources: str, files: Files, *, version: str = "1.1", title: str = "Parcel course"
) -> dict[str, str | bytes]:
    """``items`` and ``resources``: the XML below <organization> and <resources>."""
    manifest = f"""<?xml version="1.0" encoding="UTF-8"?>
<manifest identifier="m" xmlns="{CARTRIDGE_NAMESPACES[version]}"
    xmlns:lom="http://ltsc.ieee.org/xsd/imsccv1p1/LOM/resource"
    xmlns:lomimscc="http://ltsc.ieee.org/xsd/imsccv1p1/LOM/manifest">
  <metadata><schema>IMS Common Cartridge</schema><schemaversion>{version}.0</schemaversion>
    <lomimscc:lom><lomimscc:general><lomimscc:title><lomimscc:string>{title}</lomimscc:string></lomimscc:title>
    </lomimscc:general></lomimscc:lom></metadata>
  <organizations><organization identifier="o" structure="rooted-hierarchy"><item identifier="root">{items}</item>
  </organization></organizations>
  <resources>{resources}</resources>
</manifest>"""
    return {"imsmanifest.xml": manifest, **files}


def item(identifier: str, title: str, reference: str = "", inside: str = "", **attributes: str) -> str:
    ref = f" identifierref={quoteattr(reference)}" if reference else ""
    more = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f'<item identifier="{identifier}"{ref}{more}><title>{escape(title)}</title>{inside}</item>'


def resource(
    identifier: str,
    href: str,
    kind: str = "webcontent",
    inside: str = "",
    files: Sequence[str] = (),
    more: str = "",
) -> str:
    listed = "".join(f"<file href={quoteattr(name)}/>" for name in (files or [href]))
    return f'<resource identifier="{identifier}" type="{kind}" href={quoteattr(href)} {more}>{inside}{listed}</resource>'


def role(name: str) -> str:
    return (
        "<metadata><lom:lom><lom:educational><lom:intendedEndUserRole><lom:source>IMSGLC_CC_Rolesv1p1</lom:source>"
        f"<lom:value>{name}</lom:value></lom:intendedEndUserRole></lom:educational></lom:lom></metadata>"
    )


def module_meta(modules: Iterable[tuple[str, str, Sequence[tuple[str, str, str]]]], extra: str = "") -> str:
    """(module id, state, [(item id, reference, state)])."""
    parts = []
    for identifier, state, entries in modules:
        inside = "".join(
            f'<item identifier="{one}"><content_type>WikiPage</content_type><workflow_state>{own}</workflow_state>'
            f"<title>t</title><identifierref>{reference}</identifierref></item>"
            for one, reference, own in entries
        )
        parts.append(
            f'<module identifier="{identifier}"><title>t</title><workflow_state>{state}</workflow_state>{extra}'
            f"<items>{inside}</items></module>"
        )
    return f'<modules xmlns="http://canvas.instructure.com/xsd/cccv1p0">{"".join(parts)}</modules>'


# SCORM


def scorm(
    items: str,
    resources: str,
    files: Files,
    *,
    edition: str = "1.2",
    bases: str = "",
    title: str = "Safe lifting",
) -> dict[str, str | bytes]:
    """``bases``: an xml:base attribute of <resources>."""
    if edition == "1.2":
        spaces = 'xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2" xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2"'
        schema = "<schema>ADL SCORM</schema><schemaversion>1.2</schemaversion>"
    else:
        spaces = (
            'xmlns="http://www.imsglobal.org/xsd/imscp_v1p1" xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_v1p3" '
            'xmlns:imsss="http://www.imsglobal.org/xsd/imsss"'
        )
        schema = "<schema>ADL SCORM</schema><schemaversion>2004 4th Edition</schemaversion>"
    manifest = f"""<?xml version="1.0"?>
<manifest identifier="m" {spaces}><metadata>{schema}</metadata>
<organizations default="o"><organization identifier="o"><title>{title}</title>{items}</organization></organizations>
<resources {bases}>{resources}</resources></manifest>"""
    return {"imsmanifest.xml": manifest, **files}


def sco(
    identifier: str, href: str, files: Sequence[str] = (), *, base: str = "", attribute: str = "scormtype"
) -> str:
    listed = "".join(f'<file href="{name}"/>' for name in (files or [href]))
    based = f' xml:base="{base}"' if base else ""
    return f'<resource identifier="{identifier}" type="webcontent" adlcp:{attribute}="sco" href="{href}"{based}>{listed}</resource>'


# Moodle


class Moodle:
    """A backup that grows: sections, activities, files."""

    def __init__(self, title: str = "Warehouse basics") -> None:
        self.title = title
        self.files: dict[str, str | bytes] = {}
        self._sections: list[str] = []
        self._activities: list[str] = []
        self._stored: list[str] = []
        self._sequences: dict[int, list[int]] = {}
        self._section_xml: dict[int, tuple[str, str, str]] = {}

    def section(
        self, number: int, name: str, *, visible: int = 1, availability: str = "", more: str = ""
    ) -> int:
        identifier = 100 + number
        self._sections.append(
            f"<section><sectionid>{identifier}</sectionid><title>{escape(name)}</title>"
            f"<directory>sections/section_{identifier}</directory></section>"
        )
        self._section_xml[identifier] = (
            f'<section id="{identifier}"><number>{number}</number><name>{escape(name)}</name><summary></summary>'
            f"<summaryformat>1</summaryformat>",
            f"<visible>{visible}</visible><availabilityjson>{escape(availability) or '$@NULL@$'}</availabilityjson>{more}</section>",
            "",
        )
        self._sequences[identifier] = []
        return identifier

    def activity(
        self,
        kind: str,
        module: int,
        section: int,
        name: str,
        body: str,
        *,
        visible: int = 1,
        on_page: int = 1,
        availability: str = "",
    ) -> None:
        """``body``: the XML below <page> (or whatever the kind is) beside the name."""
        folder = f"activities/{kind}_{module}"
        self._sequences[section].append(module)
        self._activities.append(
            f"<activity><moduleid>{module}</moduleid><sectionid>{section}</sectionid><modulename>{kind}</modulename>"
            f"<title>{escape(name)}</title><directory>{folder}</directory></activity>"
        )
        self.files[f"{folder}/module.xml"] = (
            f'<module id="{module}" version="2024042200"><modulename>{kind}</modulename><sectionid>{section}</sectionid>'
            f"<visible>{visible}</visible><visibleoncoursepage>{on_page}</visibleoncoursepage>"
            f"<availability>{escape(availability) or '$@NULL@$'}</availability></module>"
        )
        self.files[f"{folder}/{kind}.xml"] = (
            f'<activity id="{module}" moduleid="{module}" modulename="{kind}" contextid="{1000 + module}">'
            f'<{kind} id="{module}"><name>{escape(name)}</name>{body}</{kind}></activity>'
        )

    def page(self, module: int, section: int, name: str, html: str, **flags: object) -> None:
        self.activity("page", module, section, name, f"<content>{escape(html)}</content>", **flags)  # type: ignore[arg-type]

    def stored(
        self, module: int, kind: str, name: str, data: bytes, *, area: str = "content", item: int = 0
    ) -> None:
        digest = f"{len(self._stored):02x}" + "ab" * 19
        self.files[f"files/{digest[:2]}/{digest}"] = data
        self._stored.append(
            f'<file id="{len(self._stored)}"><contenthash>{digest}</contenthash><contextid>{1000 + module}</contextid>'
            f"<component>mod_{kind}</component><filearea>{area}</filearea><itemid>{item}</itemid><filepath>/</filepath>"
            f"<filename>{escape(name)}</filename></file>"
        )

    def build(self) -> dict[str, str | bytes]:
        files = dict(self.files)
        for identifier, (start, end, _) in self._section_xml.items():
            sequence = ",".join(map(str, self._sequences[identifier]))
            files[f"sections/section_{identifier}/section.xml"] = (
                f"{start}<sequence>{sequence}</sequence>{end}"
            )
        files["files.xml"] = f"<files>{''.join(self._stored)}</files>"
        files["course/course.xml"] = (
            f'<course id="2"><fullname>{escape(self.title)}</fullname><summary></summary><lang></lang><visible>1</visible></course>'
        )
        files["questions.xml"] = (
            "<question_categories><question_category><questions><question><questiontext>Which?</questiontext><answers><answer>"
            "<answertext>SECRET-OPTION</answertext><fraction>1</fraction></answer></answers></question></questions>"
            "</question_category></question_categories>"
        )
        files["moodle_backup.xml"] = (
            '<?xml version="1.0" encoding="UTF-8"?><moodle_backup><information><name>b.mbz</name>'
            f"<original_course_fullname>{escape(self.title)}</original_course_fullname><contents><activities>"
            f"{''.join(self._activities)}</activities><sections>{''.join(self._sections)}</sections></contents></information></moodle_backup>"
        )
        return files


# Open edX


def olx(
    files: Files, *, chapters: str = '<chapter url_name="c1"/>', policy: Mapping[str, object] | None = None
) -> dict[str, str | bytes]:
    """``files``: below course/. Studio packs everything under one folder."""
    whole: dict[str, str | bytes] = {
        "course/course.xml": '<course url_name="run" org="O" course="C"/>',
        "course/course/run.xml": f'<course display_name="Passwords" language="en" start="2020-01-01T00:00:00Z">{chapters}</course>',
        "course/policies/run/policy.json": json.dumps(
            policy or {"course/run": {"display_name": "Passwords"}}
        ),
    }
    whole |= {f"course/{name}": content for name, content in files.items()}
    return whole


def h5p(library: str, content: object, *, title: str = "A task") -> dict[str, str | bytes]:
    return {
        "h5p.json": json.dumps({"title": title, "language": "en", "mainLibrary": library}),
        "content/content.json": json.dumps(content),
        "H5P.Question-1.4/library.json": "{}",
    }
