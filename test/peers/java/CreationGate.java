import jakarta.servlet.http.HttpSessionEvent;
import jakarta.servlet.http.HttpSessionListener;
import java.util.concurrent.CountDownLatch;

/**
 * Holds up whoever makes a session, a request or a message from another member, and requests with `wait`, while the servlet's `op=hold`
 * is in force.
 */
public class CreationGate implements HttpSessionListener {
    private static volatile CountDownLatch closed;

    static void close() {
        closed = new CountDownLatch(1);
    }

    static void open() {
        CountDownLatch before = closed;
        closed = null;
        if (before != null) before.countDown();
    }

    @Override
    public void sessionCreated(HttpSessionEvent event) {
        pass();
    }

    static void pass() {
        CountDownLatch gate = closed;
        if (gate == null) return;
        try {
            gate.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
