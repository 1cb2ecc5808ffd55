import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.io.IOException;

/** Says for whom the session began; /app/logout ends it. */
public class Owner extends HttpServlet {
    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse answer) throws IOException {
        HttpSession session = request.getSession();
        if (request.getRequestURI().endsWith("/logout")) {
            session.invalidate();
            answer.sendRedirect("/");
            return;
        }
        String user = String.valueOf(request.getHeader("Remote-User"));
        if (session.getAttribute("owner") == null) {
            session.setAttribute("owner", user);
        }
        answer.setContentType("text/html;charset=utf-8");
        answer.getWriter().print("<link rel=icon href=data:,><p id=who>" + user + "</p><p id=owner>" + session.getAttribute("owner") + "</p>");
    }
}
