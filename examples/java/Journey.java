// One patient's journey, as a hospital's own program makes it: enrol, chart, order, verify, give, read, prove.
//
//   java -cp CLASSPATH examples/java/Journey.java ward.properties RECEIPT      (examples/README.md says how both come about)
//
// Needs grpc-java and the jar that `make protos-package` builds.

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.File;
import java.io.FileReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import ward.audit.v1.AuditGrpc;
import ward.audit.v1.AuditOuterClass.GetReceiptRequest;
import ward.audit.v1.AuditOuterClass.Receipt;
import ward.dosage.v1.AdministrationOuterClass.AdministerRequest;
import ward.dosage.v1.AdministrationOuterClass.DoseOutcome;
import ward.dosage.v1.AdministrationsGrpc;
import ward.dosage.v1.Check.Prescription;
import ward.dosage.v1.Datatypes.Quantity;
import ward.dosage.v1.Datatypes.Route;
import ward.dosage.v1.Datatypes.Timing;
import ward.dosage.v1.OrdersGrpc;
import ward.dosage.v1.OrdersOuterClass.PlaceRequest;
import ward.dosage.v1.OrdersOuterClass.PlaceResponse;
import ward.dosage.v1.ScheduleGrpc;
import ward.dosage.v1.ScheduleOuterClass.ListSlotsRequest;
import ward.dosage.v1.ScheduleOuterClass.SlotState;
import ward.identity.v1.IdentityGrpc;
import ward.identity.v1.IdentityOuterClass.Consent;
import ward.identity.v1.IdentityOuterClass.EnrolRequest;
import ward.identity.v1.IdentityOuterClass.Outcome;
import ward.identity.v1.IdentityOuterClass.SubjectKind;
import ward.identity.v1.IdentityOuterClass.VerifyRequest;
import ward.records.v1.Datatypes;
import ward.records.v1.RecordsGrpc;
import ward.records.v1.RecordsOuterClass.CreateRequest;
import ward.records.v1.RecordsOuterClass.Parameter;
import ward.records.v1.RecordsOuterClass.SearchRequest;
import ward.records.v1.Resources;
import ward.records.v1.Resources.Kind;
import ward.records.v1.Resources.Resource;

final class Journey {
    private static final String WARD = "ward-3", BED = "bed-7";
    private static final String BARCODE = "(01)02999990010015"; // paracetamol 500 mg tablets of the sample formulary
    private static final Metadata.Key<byte[]> DETAILS = Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
    private static final Metadata.Key<String> BEARER = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private final Properties conf = new Properties();
    private final ManagedChannel identity, records, dosage, audit;

    private Journey(String file) throws Exception {
        try (FileReader reader = new FileReader(file)) {
            conf.load(reader);
        }
        identity = channel("identity");
        records = channel("records");
        dosage = channel("dosage");
        audit = channel("audit");
    }

    // Without pings a connection whose other end is gone is noticed by nobody, and each call waits for its own deadline.
    private ManagedChannel channel(String service) throws Exception {
        return NettyChannelBuilder.forTarget(conf.getProperty(service))
            .sslContext(GrpcSslContexts.configure(SslContextBuilder.forClient(), SslProvider.OPENSSL).trustManager(new File(conf.getProperty("ca")))
                .keyManager(new File(conf.getProperty("cert")), new File(conf.getProperty("key"))).build())
            .keepAliveTime(30, TimeUnit.SECONDS).keepAliveTimeout(10, TimeUnit.SECONDS)
            .defaultLoadBalancingPolicy("round_robin").maxInboundMessageSize(16 << 20).build();
    }

    // With a person's token. In a hospital: an access token of its identity provider, renewed before it expires.
    private <S extends AbstractStub<S>> S as(String role, S stub) {
        Metadata headers = new Metadata();
        headers.put(BEARER, "Bearer " + conf.getProperty("token." + role));
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers)).withDeadlineAfter(10, TimeUnit.SECONDS);
    }

    // ---- why a call failed, and when to make it again ----

    private record Details(io.grpc.Status.Code code, String reason, long retryMs) {
    }

    private static Details details(StatusRuntimeException e) throws Exception {
        byte[] bytes = e.getTrailers() == null ? null : e.getTrailers().get(DETAILS);
        String reason = "";
        long retryMs = 0;
        for (Any any : bytes == null ? java.util.List.<Any>of() : Status.parseFrom(bytes).getDetailsList()) {
            if (any.is(ErrorInfo.class)) {
                reason = any.unpack(ErrorInfo.class).getReason();
            } else if (any.is(RetryInfo.class)) {
                var delay = any.unpack(RetryInfo.class).getRetryDelay();
                retryMs = delay.getSeconds() * 1000 + delay.getNanos() / 1_000_000;
            }
        }
        return new Details(e.getStatus().getCode(), reason, retryMs);
    }

    // idempotent: it reads only, or has an idempotency key, the same one each time. The stub is made anew: so is its deadline.
    private static <T> T call(boolean idempotent, Supplier<T> once) throws Exception {
        for (int n = 0;; n++) {
            try {
                return once.get();
            } catch (StatusRuntimeException e) {
                Details d = details(e);
                boolean again = switch (d.code()) {
                    case RESOURCE_EXHAUSTED -> d.retryMs() > 0;
                    case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED -> idempotent;
                    default -> false;
                };
                if (!again || n == 3)
                    throw e;
                Thread.sleep(Math.max(d.retryMs(), (long) (100 * Math.pow(4, n) * (0.5 + Math.random()))));
            }
        }
    }

    // One key an act: chosen before the first try, sent again with every repetition.
    private static String key() {
        return UUID.randomUUID().toString();
    }

    private static void check(boolean ok, Object what) {
        if (!ok)
            throw new IllegalStateException(String.valueOf(what));
    }

    // ---- the journey ----

    private ByteString photo(String which) throws Exception {
        return ByteString.copyFrom(Files.readAllBytes(Path.of(conf.getProperty(which))));
    }

    private String enrol() throws Exception {
        EnrolRequest request = EnrolRequest.newBuilder().setIdempotencyKey(key()).setKind(SubjectKind.SUBJECT_KIND_PATIENT)
            .setPhotograph(photo("photo")).setBirthYear(1980).setConsent(
                Consent.newBuilder().setPurpose("patient-identification").setTextVersion("2026-03-en").setGivenBy("self")).build();
        return call(true, () -> as("registrar", IdentityGrpc.newBlockingStub(identity)).enrol(request)).getSubjectId();
    }

    private static Datatypes.CodeableConcept coded(String system, String code, String display) {
        return Datatypes.CodeableConcept.newBuilder().addCoding(
            Datatypes.Coding.newBuilder().setSystem(system).setCode(code).setDisplay(display)).build();
    }

    private void create(String role, Resource.Builder resource) throws Exception {
        CreateRequest request = CreateRequest.newBuilder().setIdempotencyKey(key()).setResource(resource).build();
        call(true, () -> as(role, RecordsGrpc.newBlockingStub(records)).create(request));
    }

    // Patient.id is the subject's id; the open encounter's ward is the one in the clinicians' tokens. Without it they see nobody.
    private void chart(String patient) throws Exception {
        Datatypes.Reference whose = Datatypes.Reference.newBuilder().setReference("Patient/" + patient).build();
        String now = Instant.now().toString();
        create("registrar", Resource.newBuilder().setPatient(Resources.Patient.newBuilder().setId(patient)
            .addName(Datatypes.HumanName.newBuilder().setFamily("Beispiel").addGiven("Anna")).setBirthDate("1980-01-31")));
        create("registrar", Resource.newBuilder().setEncounter(Resources.Encounter.newBuilder()
            .setStatus(Resources.Encounter.Status.STATUS_IN_PROGRESS).setSubject(whose).setPeriod(Datatypes.Period.newBuilder().setStart(now))
            .setClass_(Datatypes.Coding.newBuilder().setSystem("http://terminology.hl7.org/CodeSystem/v3-ActCode").setCode("IMP"))
            .addLocation(Resources.Encounter.Location.newBuilder().setLocation(Datatypes.Reference.newBuilder().setReference("Location/" + WARD)))));
        create("nurse", Resource.newBuilder().setObservation(Resources.Observation.newBuilder()
            .setStatus(Resources.Observation.Status.STATUS_FINAL).setCode(coded("http://loinc.org", "29463-7", "Body weight"))
            .setSubject(whose).setEffectiveDateTime(now).setValueQuantity(Datatypes.Quantity.newBuilder()
                .setValue(Datatypes.Decimal.newBuilder().setValue("62.5")).setUnit("kg").setSystem("http://unitsofmeasure.org").setCode("kg"))));
        create("physician", Resource.newBuilder().setAllergyIntolerance(Resources.AllergyIntolerance.newBuilder()
            .setClinicalStatus(coded("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active", ""))
            .setCode(coded("http://snomed.info/sct", "91936005", "Allergy to penicillin")).setPatient(whose)));
    }

    private PlaceResponse place(String patient, String drug, int milligrams) throws Exception {
        PlaceRequest request = PlaceRequest.newBuilder().setIdempotencyKey(key()).setPatientId(patient).setPrescription(
            Prescription.newBuilder().setDrugId(drug).setDose(Quantity.newBuilder().setValue(String.valueOf(milligrams)).setUnit("mg"))
                .setRoute(Route.ROUTE_PO).setTiming(Timing.newBuilder().setKind(Timing.Kind.KIND_INTERVAL).setIntervalMinutes(480))).build();
        return call(true, () -> as("physician", OrdersGrpc.newBlockingStub(dosage)).place(request));
    }

    private String order(String patient) throws Exception {
        PlaceResponse refused = place(patient, "amoxicillin", 500); // an answer with status OK: `placed` says whether it was ordered
        check(!refused.getPlaced() && refused.getOpenCount() > 0, refused);
        System.out.println("refused  amoxicillin: " + refused.getOpen(0));
        PlaceResponse placed = place(patient, "paracetamol", 1000);
        check(placed.getPlaced(), placed.getOpenList());
        return placed.getOrder().getOrderId();
    }

    // The token is good for this patient, place and purpose, for 120 s at most, once. Verify has no key: made again it would be
    // another attempt.
    private String verify(String patient) throws Exception {
        VerifyRequest request = VerifyRequest.newBuilder().setSubjectId(patient).setPhotograph(photo("again")).setPlace(BED)
            .setPurpose("administration").setAttended(true).build();
        var answer = call(false, () -> as("nurse", IdentityGrpc.newBlockingStub(identity)).verify(request));
        check(answer.getOutcome() == Outcome.OUTCOME_MATCH, answer.getReasonsList());
        return answer.getToken();
    }

    private String give(String patient, String order) throws Exception {
        ListSlotsRequest ask = ListSlotsRequest.newBuilder().setPatientId(patient).setOrderId(order).build();
        var due = call(true, () -> as("nurse", ScheduleGrpc.newBlockingStub(dosage)).listSlots(ask)).getSlotsList().stream()
            .filter(s -> s.getState() == SlotState.SLOT_STATE_DUE).findFirst().orElseThrow();
        AdministerRequest request = AdministerRequest.newBuilder().setIdempotencyKey(key()).setPatientId(patient).setOrderId(order)
            .setSlotId(due.getSlotId()).setOutcome(DoseOutcome.DOSE_OUTCOME_GIVEN).setPpidToken(verify(patient))
            .setPlace(BED).setScan(BARCODE).setUnits("2").setDose(Quantity.newBuilder().setValue("1000").setUnit("mg")).setRoute(Route.ROUTE_PO).build();
        var given = call(true, () -> as("nurse", AdministrationsGrpc.newBlockingStub(dosage)).administer(request));
        check(given.getRecorded(), given);
        var again = call(true, () -> as("nurse", AdministrationsGrpc.newBlockingStub(dosage)).administer(request)); // as after a connection that broke
        check(again.getAdministration().getAdministrationId().equals(given.getAdministration().getAdministrationId()), again);
        System.out.println("given    once: " + given.getAdministration().getAdministrationId());
        return given.getAdministration().getEventId();
    }

    private void read(String patient) throws Exception {
        SearchRequest search = SearchRequest.newBuilder().setKind(Kind.KIND_OBSERVATION).addParameters(
            Parameter.newBuilder().setName("patient").addValues("Patient/" + patient)).build();
        var found = call(true, () -> as("nurse", RecordsGrpc.newBlockingStub(records)).search(search));
        check(found.getRecordsCount() == 1 && found.getRecords(0).getResource().getObservation().getValueQuantity().getValue().getValue().equals("62.5"), found);
        PlaceRequest place = PlaceRequest.newBuilder().setIdempotencyKey(key()).setPatientId(patient).build();
        try {
            call(true, () -> as("nurse", OrdersGrpc.newBlockingStub(dosage)).place(place));
            check(false, "a nurse placed an order");
        } catch (StatusRuntimeException e) {
            Details d = details(e);
            System.out.println("refused  " + d.code() + " " + d.reason());
            check(d.code() == io.grpc.Status.Code.PERMISSION_DENIED && d.reason().equals("ROLE_MISSING"), d);
        }
    }

    // The event reaches the log a moment after the act; wardctl audit verify --receipt checks the file offline.
    private void prove(String event, String file) throws Exception {
        GetReceiptRequest request = GetReceiptRequest.newBuilder().setEventId(event).build();
        for (int tries = 0;; tries++) {
            try {
                Receipt receipt = call(true, () -> as("auditor", AuditGrpc.newBlockingStub(audit)).getReceipt(request)).getReceipt();
                Files.write(Path.of(file), receipt.toByteArray());
                System.out.println("receipt  of entry " + receipt.getIndex());
                return;
            } catch (StatusRuntimeException e) {
                if (e.getStatus().getCode() != io.grpc.Status.Code.NOT_FOUND || tries == 100)
                    throw e;
                Thread.sleep(100);
            }
        }
    }

    public static void main(String[] args) throws Exception {
        Journey j = new Journey(args[0]);
        String patient = j.enrol();
        j.chart(patient);
        String event = j.give(patient, j.order(patient));
        j.read(patient);
        j.prove(event, args[1]);
        for (ManagedChannel c : new ManagedChannel[] {j.identity, j.records, j.dosage, j.audit})
            c.shutdown();
    }
}
