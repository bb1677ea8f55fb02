#!/usr/bin/env python3
"""One patient's journey, as a hospital's own program makes it: enrol, chart, order, verify, give, read, prove.

usage: journey.py ward.properties RECEIPT      (examples/README.md says how both come about)

Needs grpcio, protobuf and the wheel that `make protos-package` builds.
"""

import sys
import time
import uuid
from datetime import datetime, timezone

import grpc

from ward.audit.v1 import audit_pb2, audit_pb2_grpc
from ward.dosage.v1 import administration_pb2, administration_pb2_grpc, check_pb2, datatypes_pb2
from ward.dosage.v1 import orders_pb2, orders_pb2_grpc, schedule_pb2, schedule_pb2_grpc
from ward.identity.v1 import identity_pb2, identity_pb2_grpc
from ward.records.v1 import datatypes_pb2 as fhir
from ward.records.v1 import records_pb2, records_pb2_grpc, resources_pb2
from ward_protos import call, channel, details

WARD, BED = "ward-3", "bed-7"
BARCODE = "(01)02999990010015"  # paracetamol 500 mg tablets of the sample formulary


def properties(path):
    with open(path, encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)


def new_key():
    """One key an act: chosen before the first try, sent again with every repetition."""
    return str(uuid.uuid4())


def loinc(code, display):
    return fhir.CodeableConcept(coding=[fhir.Coding(system="http://loinc.org", code=code, display=display)])


class Journey:
    def __init__(self, conf, receipt):
        self.conf, self.receipt = conf, receipt
        channels = {s: channel(conf[s], conf["ca"], conf["cert"], conf["key"]) for s in ("identity", "records", "dosage", "audit")}
        self.identity = identity_pb2_grpc.IdentityStub(channels["identity"])
        self.records = records_pb2_grpc.RecordsStub(channels["records"])
        self.orders = orders_pb2_grpc.OrdersStub(channels["dosage"])
        self.schedule = schedule_pb2_grpc.ScheduleStub(channels["dosage"])
        self.doses = administration_pb2_grpc.AdministrationsStub(channels["dosage"])
        self.audit = audit_pb2_grpc.AuditStub(channels["audit"])

    def token(self, role):
        """In a hospital: an access token of its identity provider, renewed before it expires."""
        return self.conf[f"token.{role}"]

    def photo(self, which):
        with open(self.conf[which], "rb") as file:
            return file.read()

    def enrol(self):
        consent = identity_pb2.Consent(purpose="patient-identification", text_version="2026-03-en", given_by="self")
        answer = call(self.identity.Enrol, identity_pb2.EnrolRequest(
            idempotency_key=new_key(), kind=identity_pb2.SUBJECT_KIND_PATIENT, photograph=self.photo("photo"), consent=consent,
            birth_year=1980), self.token("registrar"))
        self.patient = answer.subject_id

    def create(self, role, **resource):
        answer = call(self.records.Create, records_pb2.CreateRequest(
            idempotency_key=new_key(), resource=resources_pb2.Resource(**resource)), self.token(role))
        return answer.record.version

    def chart(self):
        """Patient.id is the subject's id; the open encounter's ward is the one in the clinicians' tokens. Without it they see nobody."""
        whose = fhir.Reference(reference=f"Patient/{self.patient}")
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self.create("registrar", patient=resources_pb2.Patient(
            id=self.patient, name=[fhir.HumanName(family="Beispiel", given=["Anna"])], birth_date="1980-01-31"))
        encounter = resources_pb2.Encounter(
            status=resources_pb2.Encounter.STATUS_IN_PROGRESS, subject=whose, period=fhir.Period(start=now),
            location=[resources_pb2.Encounter.Location(location=fhir.Reference(reference=f"Location/{WARD}"))])
        getattr(encounter, "class").CopyFrom(  # a keyword of Python
            fhir.Coding(system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code="IMP"))
        self.create("registrar", encounter=encounter)
        self.create("nurse", observation=resources_pb2.Observation(
            status=resources_pb2.Observation.STATUS_FINAL, code=loinc("29463-7", "Body weight"), subject=whose, effective_date_time=now,
            value_quantity=fhir.Quantity(value=fhir.Decimal(value="62.5"), unit="kg", system="http://unitsofmeasure.org", code="kg")))
        self.create("physician", allergy_intolerance=resources_pb2.AllergyIntolerance(
            clinical_status=fhir.CodeableConcept(coding=[fhir.Coding(
                system="http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", code="active")]),
            code=fhir.CodeableConcept(coding=[fhir.Coding(
                system="http://snomed.info/sct", code="91936005", display="Allergy to penicillin")]), patient=whose))

    def place(self, drug, milligrams):
        every_8_hours = datatypes_pb2.Timing(kind=datatypes_pb2.Timing.KIND_INTERVAL, interval_minutes=480)
        return call(self.orders.Place, orders_pb2.PlaceRequest(
            idempotency_key=new_key(), patient_id=self.patient, prescription=check_pb2.Prescription(
                drug_id=drug, dose=datatypes_pb2.Quantity(value=str(milligrams), unit="mg"), route=datatypes_pb2.ROUTE_PO,
                timing=every_8_hours)), self.token("physician"))

    def order(self):
        refused = self.place("amoxicillin", 500)  # an answer with status OK: `placed` says whether it was ordered
        assert not refused.placed and refused.open
        print("refused  amoxicillin:", refused.open[0])
        self.ordered = self.place("paracetamol", 1000)
        assert self.ordered.placed, self.ordered.open

    def verify(self):
        answer = call(self.identity.Verify, identity_pb2.VerifyRequest(
            subject_id=self.patient, photograph=self.photo("again"), place=BED, purpose="administration", attended=True),
            self.token("nurse"), idempotent=False)  # it has no key: made again it would be another attempt
        assert answer.outcome == identity_pb2.OUTCOME_MATCH, answer.reasons
        return answer.token  # good for this patient, place and purpose, for 120 s at most, once

    def due(self):
        order = self.ordered.order.order_id
        slots = call(self.schedule.ListSlots, schedule_pb2.ListSlotsRequest(patient_id=self.patient, order_id=order), self.token("nurse")).slots
        return next(s for s in slots if s.state == schedule_pb2.SLOT_STATE_DUE)

    def give(self):
        request = administration_pb2.AdministerRequest(
            idempotency_key=new_key(), patient_id=self.patient, order_id=self.ordered.order.order_id, slot_id=self.due().slot_id,
            outcome=administration_pb2.DOSE_OUTCOME_GIVEN, ppid_token=self.verify(), place=BED, scan=BARCODE, units="2",
            dose=datatypes_pb2.Quantity(value="1000", unit="mg"), route=datatypes_pb2.ROUTE_PO)
        given = call(self.doses.Administer, request, self.token("nurse"))
        assert given.recorded, (given.open, given.rights)
        again = call(self.doses.Administer, request, self.token("nurse"))  # as after a connection that broke
        assert again.administration.administration_id == given.administration.administration_id
        print("given    once:", given.administration.administration_id)
        self.event = given.administration.event_id

    def read(self):
        found = call(self.records.Search, records_pb2.SearchRequest(kind=resources_pb2.KIND_OBSERVATION, parameters=[
            records_pb2.Parameter(name="patient", values=[f"Patient/{self.patient}"])]), self.token("nurse")).records
        assert [r.resource.observation.value_quantity.value.value for r in found] == ["62.5"]
        try:
            call(self.orders.Place, orders_pb2.PlaceRequest(idempotency_key=new_key(), patient_id=self.patient), self.token("nurse"))
        except grpc.RpcError as error:
            d = details(error)
            print("refused ", d.code.name, d.reason)
            assert (d.code, d.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_MISSING")
        else:
            raise AssertionError("a nurse placed an order")

    def prove(self):
        """The event reaches the log a moment after the act; wardctl audit verify --receipt checks the file offline."""
        request = audit_pb2.GetReceiptRequest(event_id=self.event)
        for _ in range(100):
            try:
                receipt = call(self.audit.GetReceipt, request, self.token("auditor")).receipt
                break
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.NOT_FOUND:
                    raise
                time.sleep(0.1)
        with open(self.receipt, "wb") as file:
            file.write(receipt.SerializeToString())
        print("receipt  of entry", receipt.index)


def main():
    journey = Journey(properties(sys.argv[1]), sys.argv[2])
    for step in (journey.enrol, journey.chart, journey.order, journey.give, journey.read, journey.prove):
        step()


if __name__ == "__main__":
    main()
