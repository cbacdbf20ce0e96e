# Images for a JupyterHub, with its single-user server; autograder/image/install.sh has the steps, in words too.
#
#   docker build -t attention-lab .                                  for learners: no references, no grading
#   docker build -t attention-lab-instructor --target instructor .   the whole project
#   --build-arg JUPYTERHUB=5.3.0          the version of your hub; without it, the newest 5
#   --build-arg PIP_EXTRA_INDEX_URL=…     PyTorch's CPU build, from the address that its installation page names
#
# Grading makes namespaces, which Docker forbids by default. An instructor's container needs, on top of a kernel that
# allows user namespaces:  --security-opt seccomp=unconfined --security-opt apparmor=unconfined
#                          --security-opt systempaths=unconfined
# That takes Docker's own fence away from what runs in the container: use it for nobody but the instructor.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS instructor
ARG JUPYTERHUB PIP_EXTRA_INDEX_URL
RUN useradd --create-home --uid 1000 instructor
COPY . /opt/attention-lab
WORKDIR /opt/attention-lab
RUN autograder/image/install.sh instructor && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/attention-lab/.venv/bin:$PATH
USER instructor
WORKDIR /home/instructor
EXPOSE 8888
ENTRYPOINT ["attention-lab"]
CMD ["jupyterhub-singleuser"]

FROM python:${PYTHON}-slim AS learner
ARG JUPYTERHUB PIP_EXTRA_INDEX_URL
RUN useradd --create-home --uid 1000 learner
# a mount leaves no layer in which the references could be read
RUN --mount=type=bind,target=/tmp/project cd /tmp/project && autograder/image/install.sh learner
USER learner
WORKDIR /home/learner
EXPOSE 8888
ENTRYPOINT ["attention-lab"]
CMD ["jupyterhub-singleuser"]
