"""SpeedGrader opens the address that went with a score: a launch whose target is the evidence."""

from __future__ import annotations

from dataclasses import replace

from tests.app.rooms.campus import TOOL, Campus


def test_the_address_that_went_with_a_score_opens_that_work(campus: Campus) -> None:
    ana, ivo = campus.visit(), campus.visit("ivo", "instructor")
    ana.hand_in(ana.attempt("lamp-parcels"))
    (evidence,) = ivo.waiting()
    target = f"{TOOL}/review/{evidence}"
    # Canvas has sent another resource link from its SpeedGrader: the course is what counts.
    beside = campus.enter(replace(campus.launch("ivo", "instructor", link="another"), target_link_uri=target))
    assert beside.first == f"/review/{evidence}"
    assert beside.get(beside.first).status_code == 200


def test_it_opens_nothing_for_learners_nor_from_another_course(campus: Campus) -> None:
    ana, ivo = campus.visit(), campus.visit("ivo", "instructor")
    ana.hand_in(ana.attempt("lamp-parcels"))
    (evidence,) = ivo.waiting()
    target = f"{TOOL}/review/{evidence}"
    assert campus.enter(replace(campus.launch("bo"), target_link_uri=target)).first == "/"
    for organisation, course in (("north", "depot"), ("south", "parcels")):
        elsewhere = campus.enter(
            replace(campus.launch("eva", "instructor", course, organisation), target_link_uri=target)
        )
        assert elsewhere.get(f"/review/{evidence}").status_code == 404
