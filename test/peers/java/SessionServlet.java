import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.catalina.ContainerServlet;
import org.apache.catalina.Context;
import org.apache.catalina.Session;
import org.apache.catalina.Wrapper;
import org.apache.catalina.ha.ClusterManager;
import org.apache.catalina.tribes.Member;

/**
 * The real Tomcat's half of the tests with two kinds of worker. `/x?op=set&k=NAME&v=KIND` puts a value of that kind into the session,
 * `op=get` prints class and value, `op=peek` does not create a session, `op=kill` ends it. `op=has&id=ID` looks without a request's
 * session, so that nothing is touched or renamed; `op=count` tells how many sessions there are. `/hit` is the sample's counter.
 */
public class SessionServlet extends HttpServlet implements ContainerServlet {
    private static final long serialVersionUID = 1L;
    private transient Wrapper wrapper;

    @Override
    public Wrapper getWrapper() {
        return wrapper;
    }

    @Override
    public void setWrapper(Wrapper wrapper) {
        this.wrapper = wrapper;
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setContentType("text/plain");
        response.setCharacterEncoding("UTF-8");
        if (request.getServletPath().equals("/hit")) hit(request, response);
        else attributes(request, response);
    }

    private static void hit(HttpServletRequest request, HttpServletResponse response) throws IOException {
        HttpSession session = request.getSession();
        Integer n = (Integer) session.getAttribute("n");
        if (n == null && request.getParameter("bytes") != null) {
            session.setAttribute("filler", filler(session.getId(), Integer.parseInt(request.getParameter("bytes"))));
        }
        int next = n == null ? 1 : n + 1;
        if (request.getParameter("readonly") == null) session.setAttribute("n", next);
        String id = session.getId();
        response.setContentType("application/json");
        response.getWriter().print("{\"n\":" + next + ",\"route\":\"" + id.substring(id.indexOf('.') + 1) + "\",\"sessionId\":\"" + id + "\"}");
    }

    /** Another text in each session: equal ones would travel and be kept once. */
    private static String filler(String id, int bytes) {
        String stem = id.substring(0, id.indexOf('.'));
        return stem.repeat(bytes / stem.length() + 1).substring(0, bytes);
    }

    private void attributes(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String op = request.getParameter("op");
        String name = request.getParameter("k");
        if (aside(op, name, request, response)) return;
        HttpSession session = request.getSession(!op.equals("peek"));
        if (session == null) {
            response.getWriter().print("no session");
            return;
        }
        if (op.equals("kill")) {
            session.invalidate();
            response.getWriter().print("killed");
            return;
        }
        if (op.equals("set")) session.setAttribute(name, value(request.getParameter("v")));
        if (op.equals("remove")) session.removeAttribute(name);
        if (op.equals("rename")) request.changeSessionId();
        if (request.getParameter("wait") != null) CreationGate.pass();
        response.getWriter().print(describe(session.getId(), session.getAttribute(name)));
    }

    /** What does not concern the request's own session. */
    private boolean aside(String op, String name, HttpServletRequest request, HttpServletResponse response) throws IOException {
        ClusterManager manager = (ClusterManager) ((Context) wrapper.getParent()).getManager();
        switch (op) {
            case "has": {
                Session held = manager.findSession(request.getParameter("id"));
                response.getWriter().print(held == null ? "no session" : describe(held.getId(), held.getSession().getAttribute(name)));
                return true;
            }
            case "all":
                for (Session held : manager.findSessions()) {
                    response.getWriter().println(describe(held.getId(), held.getSession().getAttribute(name)));
                }
                return true;
            case "count":
                response.getWriter().print(manager.getActiveSessions());
                return true;
            case "members": {
                TreeSet<String> addresses = new TreeSet<>();
                for (Member member : manager.getCluster().getMembers()) {
                    addresses.add(java.net.InetAddress.getByAddress(member.getHost()).getHostAddress());
                }
                response.getWriter().print(String.join(" ", addresses));
                return true;
            }
            case "hold":
                CreationGate.close();
                return true;
            case "release":
                CreationGate.open();
                return true;
            default:
                return false;
        }
    }

    private static String describe(String id, Object value) {
        return id + " " + (value == null ? "null" : value.getClass().getName() + " " + text(value));
    }

    private static Object value(String kind) {
        switch (kind) {
            case "string": return "Größe €";
            case "integer": return 42;
            case "long": return 1L << 40;
            case "double": return 2.5;
            case "biginteger": return new BigInteger("123456789012345678901234567890");
            case "boolean": return Boolean.TRUE;
            case "date": return new Date(1700000000000L);
            case "bytes": return new byte[] {0, 1, -1};
            case "list": return new ArrayList<Object>(Arrays.asList("a", 1, true, null));
            case "map": {
                Map<String, Object> map = new HashMap<>();
                map.put("k", "v");
                map.put("n", 7);
                return map;
            }
            case "linkedmap": {
                Map<String, Object> map = new LinkedHashMap<>();
                map.put("name", "shop");
                map.put("items", new ArrayList<Object>(List.of("apple", "pear")));
                return map;
            }
            case "null": return null;
            case "zero": return 0L;
            case "whole": return 3.0;
            case "wide": return Long.MAX_VALUE;
            case "small": return new BigInteger("5");
            case "float": return 1.5f;
            case "short": return (short) 9;
            case "byte": return (byte) -3;
            case "character": return 'x';
            case "numbers": {
                Map<Object, Object> map = new LinkedHashMap<>();
                map.put(1, "one");
                map.put(2L << 40, "large");
                map.put(true, 2.5);
                return map;
            }
            case "nested": {
                Map<String, Object> map = new LinkedHashMap<>();
                map.put("when", new Date(1700000000000L));
                map.put("tags", new LinkedHashSet<Object>(List.of("a", "b")));
                map.put("price", 2.0);
                map.put("count", 7L);
                return map;
            }
            case "basket": return new Basket("Ann", "12.50").with(new Basket("Bob", "0.10"));
            case "uuid": return new java.util.UUID(1, 2);
            case "set": return new LinkedHashSet<Object>(List.of("one", "two"));
            default: throw new IllegalArgumentException(kind);
        }
    }

    private static String text(Object value) {
        if (value instanceof byte[]) return Arrays.toString((byte[]) value);
        if (value instanceof Date) return Long.toString(((Date) value).getTime());
        return value.toString();
    }
}
