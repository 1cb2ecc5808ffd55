import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.annotation.MultipartConfig;
import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** An app with a form, an upload, a redirect of its own and a cookie named `sid`; who signs in is Tomcat's business (web.xml). */
@WebServlet(urlPatterns = {"/desk/*", "/tools/*"}, asyncSupported = true)  // no sign-in of the app's own for the tools
@MultipartConfig
public class Desk extends HttpServlet {
    private static final Queue<AsyncContext> WAITING = new ConcurrentLinkedQueue<>();

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse answer) throws IOException {
        answer.setContentType("text/html;charset=utf-8");
        switch (String.valueOf(request.getPathInfo())) {
            case "/done" -> answer.getWriter().print(done(request));
            case "/trailers" -> {
                answer.setTrailerFields(() -> Map.of("X-Sum", "5"));
                answer.getWriter().print("hello");
                answer.flushBuffer();
            }
            case "/waiting" -> answer.getWriter().print(WAITING.size());
            case "/poll" -> {  // a long poll: whoever waits is told by the next who posts
                AsyncContext waiting = request.startAsync();
                waiting.setTimeout(0);
                WAITING.add(waiting);
            }
            default -> {
                Cookie own = new Cookie("sid", "of-" + request.getRemoteUser());
                own.setHttpOnly(true);
                answer.addCookie(own);
                answer.getWriter().print(FORM.formatted(sid(request)));
            }
        }
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse answer) throws IOException, ServletException {
        if ("/refuses".equals(request.getPathInfo())) {
            answer.sendError(403);  // before it has read anything of the body
            return;
        }
        if ("/wake".equals(request.getPathInfo())) {
            for (AsyncContext each; (each = WAITING.poll()) != null; each.complete()) {
                each.getResponse().getWriter().print("news for " + ((HttpServletRequest) each.getRequest()).getHeader("Remote-User"));
            }
            return;
        }
        if ("/count".equals(request.getPathInfo())) {
            answer.getWriter().print(request.getInputStream().readAllBytes().length);
            return;
        }
        request.getSession().setAttribute("word", request.getParameter("word").replace("&", "&amp;").replace("<", "&lt;"));
        request.getSession().setAttribute("size", request.getPart("file").getSize());
        answer.sendRedirect(request.getRequestURL().toString().replace("/form", "/done"));
    }

    private static String sid(HttpServletRequest request) {
        String found = "none";
        for (Cookie cookie : request.getCookies() == null ? new Cookie[0] : request.getCookies()) {
            found = cookie.getName().equals("sid") ? cookie.getValue() : found;
        }
        return found;
    }

    private static String done(HttpServletRequest request) {
        var session = request.getSession();
        String told = request.getHeader("Remote-User");
        return DONE.formatted(told, request.getRemoteUser(), session.getAttribute("word"), session.getAttribute("size"), sid(request));
    }

    private static final String FORM = """
        <link rel=icon href=data:,><form method=post action=form enctype=multipart/form-data>
        <input id=word name=word><input id=file name=file type=file><button>Send</button></form><p id=sid>%s</p>""";
    private static final String DONE = """
        <link rel=icon href=data:,><p id=told>%s</p><p id=name>%s</p><p id=word>%s</p><p id=size>%s</p><p id=sid>%s</p><p id=heard>nothing</p>
        <script>
        const heard = document.getElementById("heard"), socket = new WebSocket(location.origin.replace("http", "ws") + "/desk/echo");
        socket.onopen = () => socket.send("grüß dich");
        socket.onmessage = event => { heard.textContent = event.data; };
        socket.onclose = event => { heard.textContent = "closed " + event.code; };
        </script>""";
}
